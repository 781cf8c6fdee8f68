module feed

go 1.22
