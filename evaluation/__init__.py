"""How good it is: reflection accuracy and outcome."""
