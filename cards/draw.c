/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One card:
 *
 *	network               +-----------+
 *	Name of the person,   |           |
 *	on up to three lines  |  QR code  |
 *	                      |           |
 *	101                   |           |
 *	valid until           +-----------+
 *	1  what to do
 *	2  what to do
 *	3  what to do
 *
 * Names are of any script and end in an ellipsis where they are too long; what is written from right to left
 * begins at the same edge, since the column is short.
 */
#include <pango/pangocairo.h>
#include <stdio.h>

#include "base/assert.h"
#include "cards/cards.h"
#include "cards/sheet.h"

#define PADDING	  MM(5.0)
#define CODE_SIDE MM(44.0)
#define CODE_QUIET \
	MM(4.0) /* beside it: four modules of the largest size that an invitation needs, and more */
#define COLUMN (CARD_WIDTH - 2 * PADDING - CODE_SIDE - CODE_QUIET)
#define NUMBER MM(4.0) /* what stands before a line of what to do */
#define FAMILY "Noto Sans, Noto Sans Arabic, Noto Sans Hebrew, Sans"

struct style {
	double size;
	PangoWeight weight;
	double grey; /* 0 is black */
	int lines;   /* at most */
};

static const struct style style_network = {8, PANGO_WEIGHT_NORMAL, 0.35, 1};
/* The first in which it fits with its words whole, or the last. */
static const struct style style_names[] = {{13, PANGO_WEIGHT_BOLD, 0, 3},
					   {11, PANGO_WEIGHT_BOLD, 0, 3},
					   {9.5, PANGO_WEIGHT_BOLD, 0, 4},
					   {8.5, PANGO_WEIGHT_BOLD, 0, 4}};
static const struct style style_extension = {32, PANGO_WEIGHT_BOLD, 0, 1};
static const struct style style_small = {7.5, PANGO_WEIGHT_NORMAL, 0.35, 1};
static const struct style style_words = {7.5, PANGO_WEIGHT_NORMAL, 0, 1};

/* Baselines, below the upper edge of the code or above its lower one: fonts of other scripts are higher. */
#define NETWORK_BASELINE   MM(2.3)
#define NAME_BASELINE	   MM(9.0)
#define EXTENSION_BASELINE MM(5.5)
#define WORDS_BASELINE	   MM(6.5)
#define WORDS_PITCH	   MM(3.8)

static void set_style(struct sheet *sheet, const struct style *style, double width)
{
	PangoFontDescription *font = pango_font_description_from_string(FAMILY);

	pango_font_description_set_size(font, (int)(style->size * PANGO_SCALE));
	pango_font_description_set_weight(font, style->weight);
	pango_layout_set_font_description(sheet->layout, font);
	pango_font_description_free(font);
	pango_layout_set_width(sheet->layout, (int)(width * PANGO_SCALE));
	pango_layout_set_height(sheet->layout, -style->lines);
	cairo_set_source_rgb(sheet->cairo, style->grey, style->grey, style->grey);
}

/* False: no font here has all of its characters. */
static bool set_text(struct sheet *sheet, const char *text)
{
	bool reversed;

	pango_layout_set_attributes(sheet->layout, sheet->plain);
	pango_layout_set_text(sheet->layout, text, -1);
	reversed = pango_layout_get_direction(sheet->layout, 0) == PANGO_DIRECTION_RTL;
	pango_layout_set_alignment(sheet->layout, reversed ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
	return pango_layout_get_unknown_glyphs_count(sheet->layout) == 0;
}

/* Its first line on this baseline. */
static void show(struct sheet *sheet, double x, double baseline)
{
	double above = (double)pango_layout_get_baseline(sheet->layout) / PANGO_SCALE;

	cairo_move_to(sheet->cairo, x, baseline - above);
	pango_cairo_show_layout(sheet->cairo, sheet->layout);
}

static bool draw_text(struct sheet *sheet, const struct style *style, const char *text, double x,
		      double baseline)
{
	bool whole;

	set_style(sheet, style, COLUMN);
	whole = set_text(sheet, text);
	show(sheet, x, baseline);
	return whole;
}

/* Words are not broken. */
static bool fits(const struct sheet *sheet)
{
	int width;

	pango_layout_get_size(sheet->layout, &width, NULL);
	return !pango_layout_is_ellipsized(sheet->layout) &&
	       width <= pango_layout_get_width(sheet->layout);
}

static bool draw_name(struct sheet *sheet, const char *name, double x, double baseline)
{
	bool whole = true;

	pango_layout_set_wrap(sheet->layout, PANGO_WRAP_WORD);
	for (size_t i = 0; i < ARRAY_LEN(style_names); i++) {
		set_style(sheet, &style_names[i], COLUMN);
		whole = set_text(sheet, name);
		if (fits(sheet))
			break;
	}
	pango_layout_set_wrap(sheet->layout, PANGO_WRAP_WORD_CHAR);
	show(sheet, x, baseline);
	return whole;
}

/* Beside the code. */
static void draw_column(struct sheet *sheet, const struct card *card, double x, double y)
{
	double bottom = y + CODE_SIDE;
	char expires[64];
	bool whole;

	whole = draw_text(sheet, &style_network, card->network, x, y + NETWORK_BASELINE);
	whole = draw_name(sheet, card->name, x, y + NAME_BASELINE) && whole;
	(void)draw_text(sheet, &style_extension, card->extension, x, bottom - EXTENSION_BASELINE);
	(void)snprintf(expires, sizeof(expires), "until %s UTC", card->expires);
	(void)draw_text(sheet, &style_small, expires, x, bottom);
	if (!whole)
		sheet->strange++;
}

/* What is between grave accents in a typewriter's letters, where a hyphen is one. */
static void set_words(struct sheet *sheet, const char *words)
{
	char markup[256];
	size_t len = 0;
	bool typed = false;

	for (; *words != '\0' && len + sizeof("</tt>") < sizeof(markup); words++) {
		if (*words != '`') {
			markup[len++] = *words;
			continue;
		}
		typed = !typed;
		len += (size_t)snprintf(markup + len, sizeof(markup) - len, "<%stt>",
					typed ? "" : "/");
	}
	pango_layout_set_markup(sheet->layout, markup, (int)len);
}

/* Below it. */
static void draw_words(struct sheet *sheet, double x, double y)
{
	static const char *const words[] = CARDS_WORDS;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char number[8];

		(void)snprintf(number, sizeof(number), "%zu", i + 1);
		(void)draw_text(sheet, &style_small, number, x, y);
		set_style(sheet, &style_words, CARD_WIDTH - 2 * PADDING - NUMBER);
		set_words(sheet, words[i]);
		show(sheet, x + NUMBER, y);
		y += WORDS_PITCH;
	}
}

enum sotto_err card_draw(struct sheet *sheet, const struct card *card, double x, double y)
{
	double left = x + PADDING;
	double top = y + PADDING;

	draw_column(sheet, card, left, top);
	draw_words(sheet, left, top + CODE_SIDE + WORDS_BASELINE);
	return code_draw(sheet->cairo, card->invitation, x + CARD_WIDTH - PADDING - CODE_SIDE, top,
			 CODE_SIDE);
}
