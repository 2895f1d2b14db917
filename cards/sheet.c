/* SPDX-License-Identifier: Apache-2.0 */
/* Pages, and the place of each card on them. */
#include "cards/sheet.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <unistd.h>

#include "os/descriptor.h"

static cairo_status_t write_out(void *context, const unsigned char *data, unsigned len)
{
	struct sheet *sheet = context;

	if (!sheet->failed &&
	    os_descriptor_write_at(STDOUT_FILENO, UINT64_MAX, BYTES(data, len)) != SOTTO_OK)
		sheet->failed = true;
	return sheet->failed ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static PangoLayout *make_layout(cairo_t *cairo)
{
	PangoContext *context = pango_cairo_create_context(cairo);
	PangoLayout *layout;

	/* A point is a point. */
	pango_cairo_context_set_resolution(context, 72);
	/* Not that of whoever prints. */
	pango_context_set_language(context, pango_language_from_string("en"));
	layout = pango_layout_new(context);
	g_object_unref(context);
	pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
	pango_layout_set_single_paragraph_mode(layout, TRUE);
	return layout;
}

enum sotto_err sheet_init(struct sheet *sheet)
{
	*sheet = (struct sheet){.count = 0};
	sheet->surface =
		cairo_pdf_surface_create_for_stream(write_out, sheet, SHEET_WIDTH, SHEET_HEIGHT);
	cairo_pdf_surface_set_metadata(sheet->surface, CAIRO_PDF_METADATA_TITLE, "Invitations");
	cairo_pdf_surface_set_metadata(sheet->surface, CAIRO_PDF_METADATA_CREATOR, "sotto");
	/* Otherwise it is now, and no two sheets are the same. */
	cairo_pdf_surface_set_metadata(sheet->surface, CAIRO_PDF_METADATA_CREATE_DATE, NULL);
	sheet->cairo = cairo_create(sheet->surface);
	sheet->layout = make_layout(sheet->cairo);
	/* Nobody's name gets a hyphen that is not his. */
	sheet->plain = pango_attr_list_new();
	pango_attr_list_insert(sheet->plain, pango_attr_insert_hyphens_new(FALSE));
	if (cairo_status(sheet->cairo) == CAIRO_STATUS_SUCCESS)
		return SOTTO_OK;
	sheet_finish(sheet);
	return SOTTO_ERR_NO_MEMORY;
}

static void cut(cairo_t *cairo, double x, double y, double dx, double dy)
{
	cairo_move_to(cairo, x, y);
	cairo_rel_line_to(cairo, dx, dy);
}

/* Around so many rows of cards. */
static void draw_lines(const struct sheet *sheet, size_t rows)
{
	const double dashes[] = {2, 2};
	double height = (double)rows * CARD_HEIGHT;

	cairo_save(sheet->cairo);
	for (size_t i = 0; i <= SHEET_COLUMNS; i++)
		cut(sheet->cairo, SHEET_MARGIN + (double)i * CARD_WIDTH, SHEET_MARGIN, 0, height);
	for (size_t i = 0; i <= rows; i++)
		cut(sheet->cairo, SHEET_MARGIN, SHEET_MARGIN + (double)i * CARD_HEIGHT,
		    SHEET_COLUMNS * CARD_WIDTH, 0);
	cairo_set_line_width(sheet->cairo, 0.4);
	cairo_set_dash(sheet->cairo, dashes, 2, 0);
	cairo_set_source_rgb(sheet->cairo, 0.6, 0.6, 0.6);
	cairo_stroke(sheet->cairo);
	cairo_restore(sheet->cairo);
}

static void end_page(struct sheet *sheet)
{
	size_t on_it = (sheet->count - 1) % CARDS_ON_A_SHEET + 1;

	draw_lines(sheet, (on_it + SHEET_COLUMNS - 1) / SHEET_COLUMNS);
	cairo_show_page(sheet->cairo);
}

enum sotto_err sheet_add(struct sheet *sheet, const struct card *card)
{
	size_t place = sheet->count % CARDS_ON_A_SHEET;
	size_t row = place / SHEET_COLUMNS;
	size_t column = place % SHEET_COLUMNS;
	enum sotto_err err;

	if (place == 0 && sheet->count > 0)
		end_page(sheet);
	err = card_draw(sheet, card, SHEET_MARGIN + (double)column * CARD_WIDTH,
			SHEET_MARGIN + (double)row * CARD_HEIGHT);
	if (err != SOTTO_OK)
		return err;
	sheet->count++;
	return cairo_status(sheet->cairo) == CAIRO_STATUS_SUCCESS ? SOTTO_OK : SOTTO_ERR_NO_MEMORY;
}

enum sotto_err sheet_end(struct sheet *sheet)
{
	if (sheet->count > 0)
		end_page(sheet);
	cairo_surface_finish(sheet->surface);
	return !sheet->failed && cairo_surface_status(sheet->surface) == CAIRO_STATUS_SUCCESS
		       ? SOTTO_OK
		       : SOTTO_ERR_IO;
}

void sheet_finish(struct sheet *sheet)
{
	if (sheet == NULL || sheet->surface == NULL)
		return;
	/* A sheet that was not ended is none, not one of fewer cards. */
	sheet->failed = true;
	g_object_unref(sheet->layout);
	pango_attr_list_unref(sheet->plain);
	cairo_destroy(sheet->cairo);
	cairo_surface_destroy(sheet->surface);
}
