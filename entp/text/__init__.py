"""What a text is made of: its language, its words and which are forms of one another, and the key terms among them."""
