/* What main.c asks of a board. */
#ifndef BOARD_H
#define BOARD_H

/* Prints a text that ends with a zero. */
void print(const char *text);

#endif
