/* SPDX-License-Identifier: Apache-2.0 */
/* An invitation out of a picture: PNG or JPEG to grey, grey to text by libzbar. Runs sandboxed (image.c). */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jpeglib.h wants stdio.h before it. */
#include <jpeglib.h>
#include <png.h>
#include <zbar.h>

#include "cli/picture.h"

struct picture {
	unsigned int width;
	unsigned int height;
	unsigned char *grey; /* to be freed */
};

static enum sotto_err read_png(FILE *file, uint32_t pixels_max, struct picture *picture)
{
	enum sotto_err err = SOTTO_ERR_FORMAT;
	png_image image;

	memset(&image, 0, sizeof(image));
	image.version = PNG_IMAGE_VERSION;
	if (!png_image_begin_read_from_stdio(&image, file))
		return SOTTO_ERR_FORMAT;
	image.format = PNG_FORMAT_GRAY;
	if (image.height == 0 || image.width > pixels_max / image.height)
		err = SOTTO_ERR_LIMIT;
	else
		picture->grey = malloc(PNG_IMAGE_SIZE(image));
	/* Transparent is white: what lies behind a card is paper. */
	if (picture->grey != NULL &&
	    png_image_finish_read(&image, &(png_color){.red = 255, .green = 255, .blue = 255},
				  picture->grey, 0, NULL)) {
		picture->width = image.width;
		picture->height = image.height;
		err = SOTTO_OK;
	}
	png_image_free(&image);
	return err;
}

struct jpeg_failure {
	struct jpeg_error_mgr manager;
	jmp_buf back;
};

static void jpeg_failed(j_common_ptr info)
{
	longjmp(((struct jpeg_failure *)(void *)info->err)->back, 1);
}

static void jpeg_silent(j_common_ptr info)
{
	(void)info;
}

static enum sotto_err read_jpeg(FILE *file, uint32_t pixels_max, struct picture *picture)
{
	struct jpeg_decompress_struct info;
	struct jpeg_failure failure;

	memset(&info, 0, sizeof(info));
	info.err = jpeg_std_error(&failure.manager);
	failure.manager.error_exit = jpeg_failed;
	failure.manager.output_message = jpeg_silent;
	if (setjmp(failure.back) != 0) {
		jpeg_destroy_decompress(&info);
		return SOTTO_ERR_FORMAT;
	}
	jpeg_create_decompress(&info);
	jpeg_stdio_src(&info, file);
	(void)jpeg_read_header(&info, TRUE);
	info.out_color_space = JCS_GRAYSCALE;
	if (info.image_height == 0 || info.image_width > pixels_max / info.image_height)
		jpeg_failed((j_common_ptr)&info);
	(void)jpeg_start_decompress(&info);
	picture->width = info.output_width;
	picture->height = info.output_height;
	picture->grey = malloc((size_t)picture->width * picture->height);
	while (picture->grey != NULL && info.output_scanline < info.output_height) {
		unsigned char *row = picture->grey + (size_t)info.output_scanline * picture->width;

		(void)jpeg_read_scanlines(&info, &row, 1);
	}
	jpeg_destroy_decompress(&info);
	return picture->grey != NULL ? SOTTO_OK : SOTTO_ERR_NO_MEMORY;
}

static enum sotto_err read_picture(FILE *file, uint32_t pixels_max, struct picture *picture)
{
	int first = getc(file);

	rewind(file);
	return first == 0x89 ? read_png(file, pixels_max, picture)
			     : read_jpeg(file, pixels_max, picture);
}

/* The first code that is an invitation. */
static char *scan(const struct picture *picture)
{
	zbar_image_scanner_t *scanner = zbar_image_scanner_create();
	zbar_image_t *image = zbar_image_create();
	char *text = NULL;

	zbar_image_scanner_set_config(scanner, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
	zbar_image_scanner_set_config(scanner, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
	zbar_image_set_format(image, zbar_fourcc('Y', '8', '0', '0'));
	zbar_image_set_size(image, picture->width, picture->height);
	zbar_image_set_data(image, picture->grey, (unsigned long)picture->width * picture->height,
			    NULL);
	if (zbar_scan_image(scanner, image) > 0) {
		for (const zbar_symbol_t *symbol = zbar_image_first_symbol(image);
		     symbol != NULL && text == NULL; symbol = zbar_symbol_next(symbol)) {
			const char *data = zbar_symbol_get_data(symbol);

			if (strncmp(data, "sotto:", 6) == 0 || strncmp(data, "SOTTO:", 6) == 0)
				text = strdup(data);
		}
	}
	zbar_image_destroy(image);
	zbar_image_scanner_destroy(scanner);
	return text;
}

enum sotto_err picture_text(FILE *file, uint32_t pixels_max, char **text)
{
	struct picture picture = {.grey = NULL};
	enum sotto_err err;

	TRY(read_picture(file, pixels_max, &picture));
	*text = scan(&picture);
	FAIL_IF(*text == NULL, SOTTO_ERR_NOT_FOUND);
out:
	free(picture.grey);
	return err;
}
