/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sheets of cards as PDF: A4, two beside each other and four below, with lines to cut along. The same cards
 * give the same bytes, with the same fonts.
 *
 *	sheet.c   pages, places, cutting lines
 *	draw.c    one card in its place: its texts
 *	code.c    and its QR code
 *
 * Lengths are points, as PDF has them.
 */
#ifndef CARDS_SHEET_H
#define CARDS_SHEET_H

#include <cairo.h>
#include <pango/pango.h>
#include <stdbool.h>
#include <stddef.h>

#include "cards/card.h"

#define MM(length)	 ((length) * (72 / 25.4))

#define SHEET_COLUMNS	 2
#define SHEET_ROWS	 4
#define SHEET_WIDTH	 MM(210.0)
#define SHEET_HEIGHT	 MM(297.0)
#define SHEET_MARGIN	 MM(10.0) /* what any printer can do: none needs more than 6.35 mm */
#define CARD_WIDTH	 ((SHEET_WIDTH - 2 * SHEET_MARGIN) / SHEET_COLUMNS)
#define CARD_HEIGHT	 ((SHEET_HEIGHT - 2 * SHEET_MARGIN) / SHEET_ROWS)
#define CARDS_ON_A_SHEET ((size_t)SHEET_COLUMNS * SHEET_ROWS)

struct sheet {
	cairo_surface_t *surface;
	cairo_t *cairo;
	PangoLayout *layout; /* of whatever text is drawn next */
	PangoAttrList *plain;
	size_t count;	/* cards drawn */
	size_t strange; /* of them, with a character that no font here has */
	bool failed;	/* standard output took not all */
};

/* To standard output. NO_MEMORY. */
MUST_USE enum sotto_err sheet_init(struct sheet *sheet);

/* The next card. NO_MEMORY; LIMIT: the invitation does not fit a QR code that paper can carry. */
MUST_USE enum sotto_err sheet_add(struct sheet *sheet, const struct card *card);

/* The last page and the file's end. IO: not all of it could be written. */
MUST_USE enum sotto_err sheet_end(struct sheet *sheet);
void sheet_finish(struct sheet *sheet);

/* draw.c: in the place whose upper left corner is at x, y. Errors as sheet_add. */
MUST_USE enum sotto_err card_draw(struct sheet *sheet, const struct card *card, double x, double y);

/* code.c: without its quiet zone, which its place has around it. */
MUST_USE enum sotto_err code_draw(cairo_t *cairo, const char *text, double x, double y,
				  double side);

#endif
