"""The recipe of ``sam build`` without Docker: builds the layer and the functions, compiles and trims them."""
