"""One file a revision, named for what it brings. A revision that was released is never edited."""
