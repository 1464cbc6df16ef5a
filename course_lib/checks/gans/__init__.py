"""The exercises of lessons 02 to 04, one a file; the lessons' lists are gan.py, dcgan.py and cgan.py."""
