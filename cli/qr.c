/* SPDX-License-Identifier: Apache-2.0 */
/* A QR code in the terminal: two modules a character, light on dark terminals and dark on light ones alike. */
#include <qrencode.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"

#define QUIET_ZONE 2

static bool dark(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return false;
	return (code->data[y * code->width + x] & 1) != 0;
}

void cli_print_qr(const char *text)
{
	/* Not case sensitive: capitals alone make a smaller code. */
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 0);

	if (code == NULL)
		return;
	for (int y = -QUIET_ZONE; y < code->width + QUIET_ZONE; y += 2) {
		/* Black on white, whatever the terminal's own colours are. */
		fputs("\033[30;107m", stdout);
		for (int x = -QUIET_ZONE; x < code->width + QUIET_ZONE; x++) {
			bool upper = dark(code, x, y);
			bool lower = dark(code, x, y + 1);

			fputs(upper && lower ? "\xe2\x96\x88"
			      : upper	     ? "\xe2\x96\x80"
			      : lower	     ? "\xe2\x96\x84"
					     : " ",
			      stdout);
		}
		fputs("\033[0m\n", stdout);
	}
	QRcode_free(code);
}
