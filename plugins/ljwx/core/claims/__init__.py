"""Is what an answer says true of its snapshot? Every number and every named signal in it is looked up."""
