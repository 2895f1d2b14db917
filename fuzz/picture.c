/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of an invitation, PNG or JPEG: what comes out begins as one. Small ones, for speed. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "cli/picture.h"

#define PIXELS_MAX (512 * 512)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[65536];
	char *text = NULL;
	FILE *file;

	if (size == 0 || size > sizeof(copy))
		return 0;
	memcpy(copy, data, size);
	file = fmemopen(copy, size, "rb");
	ASSERT(file != NULL);
	if (picture_text(file, PIXELS_MAX, &text) == SOTTO_OK)
		ASSERT(strncmp(text, "sotto:", 6) == 0 || strncmp(text, "SOTTO:", 6) == 0);
	free(text);
	fclose(file);
	return 0;
}
