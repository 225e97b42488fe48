"""Where a deep link to Predict arrives on a server that nobody has visited yet (`navigation.hand_over`)."""

from pages.shared.navigation import hand_over

hand_over()
