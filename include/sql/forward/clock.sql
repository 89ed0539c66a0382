SELECT ljwx.forward_clock()
