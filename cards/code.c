/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A QR code on paper. Capitals alone make a smaller one, so an invitation is written in them. As much is
 * mended of what folds and thumbs do to it as modules of a size allow that every camera sees.
 */
#include <qrencode.h>

#include "base/assert.h"
#include "cards/sheet.h"

/* Of a module's side: printed at 300 dpi and photographed from a hand's distance, this is sharp. */
#define MODULE_GOOD MM(0.6)
#define MODULE_MIN  MM(0.35)

static QRcode *encode(const char *text, double side)
{
	static const QRecLevel levels[] = {QR_ECLEVEL_Q, QR_ECLEVEL_M, QR_ECLEVEL_L};
	QRcode *code = NULL;

	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		QRcode_free(code);
		code = QRcode_encodeString(text, 0, levels[i], QR_MODE_8, 0);
		if (code != NULL && side / code->width >= MODULE_GOOD)
			break;
	}
	return code;
}

/* Neighbours in a row are one rectangle, and all are filled at once: no seams between them. */
static void trace(cairo_t *cairo, const QRcode *code, double x, double y, double module)
{
	for (int row = 0; row < code->width; row++) {
		const unsigned char *at = code->data + (size_t)row * (size_t)code->width;
		int begin = 0;

		for (int column = 0; column <= code->width; column++) {
			if (column < code->width && (at[column] & 1) != 0)
				continue;
			if (column > begin)
				cairo_rectangle(cairo, x + begin * module, y + row * module,
						(column - begin) * module, module);
			begin = column + 1;
		}
	}
}

enum sotto_err code_draw(cairo_t *cairo, const char *text, double x, double y, double side)
{
	QRcode *code = encode(text, side);
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(code == NULL, SOTTO_ERR_NO_MEMORY);
	FAIL_IF(side / code->width < MODULE_MIN, SOTTO_ERR_LIMIT);
	trace(cairo, code, x, y, side / code->width);
	cairo_set_source_rgb(cairo, 0, 0, 0);
	cairo_fill(cairo);
out:
	QRcode_free(code);
	return err;
}
