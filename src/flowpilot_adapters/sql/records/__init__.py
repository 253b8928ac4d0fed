"""Rows as values of the domain, area by area. A row has the columns of its table, and names of people where a query joins them."""
