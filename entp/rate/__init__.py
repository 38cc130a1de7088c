"""Stage 3: every kept sample is scored 0..5 by one or more raters; what could not be rated stays unrated."""
