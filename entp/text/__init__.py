"""What a text is made of (language, words and their forms, key terms), whether it asks for something, how to cut it."""
