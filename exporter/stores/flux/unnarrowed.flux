narrow = (tables=<-) => tables
