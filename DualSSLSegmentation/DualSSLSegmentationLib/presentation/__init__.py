"""What a front end shows and offers, in words and plain data: the desktop's panels and the web page say the same by it."""
