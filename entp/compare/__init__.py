"""`entp compare`: methods x seeds at one number of rows, each trained and evaluated alike, with intervals."""
