"""Second factors: which are wanted (`rules`)."""
