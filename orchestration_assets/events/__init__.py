"""Events on their way in: the gateway that acknowledges them and the inbox that keeps them."""
