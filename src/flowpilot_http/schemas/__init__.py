"""Requests and answers as they travel: requests take no field they do not know, answers hold exactly what clients read."""
