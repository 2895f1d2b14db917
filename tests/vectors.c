/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vector files' reader: the whole file in memory, cut in place into lines; a block is an array of name
 * and value pointers into it. Hex is decoded over its own text once, when it is asked for.
 */
#include "tests/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"

#define FIELDS_MAX 4096

struct field {
	const char *name;
	char *value;
	struct bytes decoded; /* data is NULL until asked for */
};

struct vectors {
	char path[1024];
	char *text;
	char *at;
	unsigned line;
	unsigned block;
	unsigned block_line;
	size_t count;
	struct field fields[FIELDS_MAX];
};

/* The converted full file if the build made one, else the compact one in the source. */
static FILE *open_either(struct vectors *vectors, const char *file)
{
	const char *build = getenv("SOTTO_BUILD");
	const char *source = getenv("SOTTO_SOURCE");
	FILE *stream;

	snprintf(vectors->path, sizeof(vectors->path), "%s/tests/vectors/%s",
		 build != NULL ? build : ".", file);
	stream = fopen(vectors->path, "rb");
	if (stream != NULL) {
		print_message("# %s: the full official file\n", file);
		return stream;
	}
	snprintf(vectors->path, sizeof(vectors->path), "%s/tests/vectors/%s",
		 source != NULL ? source : ".", file);
	stream = fopen(vectors->path, "rb");
	if (stream == NULL)
		fail_msg("cannot open %s", vectors->path);
	print_message("# %s: the compact file\n", file);
	return stream;
}

static char *read_all(FILE *stream)
{
	size_t capacity = 1 << 16;
	size_t len = 0;
	char *text = NULL;

	for (;;) {
		char *grown = realloc(text, capacity + 1);

		assert_non_null(grown);
		text = grown;
		len += fread(text + len, 1, capacity - len, stream);
		if (len < capacity)
			break;
		capacity *= 2;
	}
	assert_int_equal(ferror(stream), 0);
	text[len] = '\0';
	return text;
}

struct vectors *vectors_open(const char *file)
{
	struct vectors *vectors = calloc(1, sizeof(*vectors));
	FILE *stream;

	assert_non_null(vectors);
	stream = open_either(vectors, file);
	vectors->text = read_all(stream);
	vectors->at = vectors->text;
	fclose(stream);
	return vectors;
}

void vectors_close(struct vectors *vectors)
{
	if (vectors->block == 0)
		fail_msg("%s holds no vector", vectors->path);
	free(vectors->text);
	free(vectors);
}

/* The next line without its newline, NULL at the end. */
static char *next_line(struct vectors *vectors)
{
	char *line = vectors->at;
	char *newline;

	if (*line == '\0')
		return NULL;
	newline = strchr(line, '\n');
	if (newline == NULL) {
		vectors->at = line + strlen(line);
	} else {
		*newline = '\0';
		vectors->at = newline + 1;
	}
	vectors->line++;
	return line;
}

static void add_field(struct vectors *vectors, char *line)
{
	char *equals = strstr(line, " =");

	if (equals == NULL || vectors->count == FIELDS_MAX)
		fail_msg("%s:%u: not `name = value`", vectors->path, vectors->line);
	*equals = '\0';
	equals += 2;
	if (*equals == ' ')
		equals++;
	vectors->fields[vectors->count++] = (struct field){.name = line, .value = equals};
}

bool vectors_next(struct vectors *vectors)
{
	char *line;

	vectors->count = 0;
	while ((line = next_line(vectors)) != NULL) {
		if (line[0] == '#')
			continue;
		if (line[0] == '\0') {
			if (vectors->count != 0)
				break;
			continue;
		}
		if (vectors->count == 0)
			vectors->block_line = vectors->line;
		add_field(vectors, line);
	}
	vectors->block += vectors->count != 0;
	return vectors->count != 0;
}

unsigned vectors_block(const struct vectors *vectors)
{
	return vectors->block;
}

unsigned vectors_line(const struct vectors *vectors)
{
	return vectors->block_line;
}

static struct field *find(struct vectors *vectors, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static struct field *find(struct vectors *vectors, const char *format, va_list arguments)
{
	char name[64];

	vsnprintf(name, sizeof(name), format, arguments);
	for (size_t i = 0; i < vectors->count; i++)
		if (strcmp(vectors->fields[i].name, name) == 0)
			return &vectors->fields[i];
	return NULL;
}

static void require(const struct vectors *vectors, const struct field *field, const char *name)
{
	if (field == NULL)
		fail_msg("%s:%u: the block has no %s", vectors->path, vectors->block_line, name);
}

bool vector_has(struct vectors *vectors, const char *name, ...)
{
	va_list arguments;
	const struct field *field;

	va_start(arguments, name);
	field = find(vectors, name, arguments);
	va_end(arguments);
	return field != NULL;
}

struct bytes vector_hex(struct vectors *vectors, const char *name, ...)
{
	va_list arguments;
	struct field *field;
	uint8_t *out;
	size_t len;

	va_start(arguments, name);
	field = find(vectors, name, arguments);
	va_end(arguments);
	require(vectors, field, name);
	if (field->decoded.data != NULL)
		return field->decoded;
	/* Over its own text: a decoder is never ahead of what it reads. */
	out = (uint8_t *)field->value;
	if (hex_decode(field->value, strlen(field->value), out, strlen(field->value), &len) !=
	    SOTTO_OK)
		fail_msg("%s:%u: %s is not hex", vectors->path, vectors->block_line, field->name);
	field->decoded = BYTES(out, len);
	return field->decoded;
}

uint64_t vector_number(struct vectors *vectors, const char *name, ...)
{
	va_list arguments;
	const struct field *field;
	unsigned long long number;
	char *end;

	va_start(arguments, name);
	field = find(vectors, name, arguments);
	va_end(arguments);
	require(vectors, field, name);
	number = strtoull(field->value, &end, 0);
	if (end == field->value || *end != '\0')
		fail_msg("%s:%u: %s is not a number", vectors->path, vectors->block_line,
			 field->name);
	return number;
}

const char *vector_text(struct vectors *vectors, const char *name, ...)
{
	va_list arguments;
	const struct field *field;

	va_start(arguments, name);
	field = find(vectors, name, arguments);
	va_end(arguments);
	require(vectors, field, name);
	return field->value;
}
