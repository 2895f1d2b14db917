/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the invitation that the code in a picture is; 1 if there is none. Not isolated: the pictures are ours. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/picture.h"

int main(int argc, char **argv)
{
	char *text = NULL;
	FILE *file;

	if (argc != 2 || (file = fopen(argv[1], "rb")) == NULL)
		return 2;
	if (picture_text(file, PICTURE_PIXELS_MAX, &text) != SOTTO_OK)
		return 1;
	printf("%s\n", text);
	free(text);
	fclose(file);
	return 0;
}
