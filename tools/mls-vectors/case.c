/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a case. */
#include "case.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

struct chunk {
	struct chunk *next;
	uint8_t bytes[];
};

static void *case_memory(struct vector_case *vector, size_t len)
{
	struct chunk *chunk = malloc(sizeof(*chunk) + len + 1);

	if (chunk == NULL)
		abort();
	chunk->next = vector->chunks;
	vector->chunks = chunk;
	return chunk->bytes;
}

void vector_case_finish(struct vector_case *vector)
{
	struct chunk *chunk = vector->chunks;

	while (chunk != NULL) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	vector->chunks = NULL;
}

enum verdict fail_case(struct vector_case *vector, const char *reason)
{
	vector->reason = reason;
	return FAILED;
}

enum verdict skip_case(struct vector_case *vector, const char *reason)
{
	vector->reason = reason;
	return SKIPPED;
}

static void note_missing(struct vector_case *vector, const char *name)
{
	vector->missing = true;
	if (vector->reason == NULL)
		vector->reason = name;
}

struct bytes decode_hex(struct vector_case *vector, const json_t *value)
{
	const char *text = json_string_value(value);
	uint8_t *out;
	size_t len = 0;

	if (text == NULL) {
		note_missing(vector, "a value is not hex");
		return BYTES_NONE;
	}
	out = case_memory(vector, strlen(text) / 2);
	if (hex_decode(text, strlen(text), out, strlen(text) / 2, &len) != SOTTO_OK)
		note_missing(vector, "a value is not hex");
	return BYTES(out, len);
}

bool is_null(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value == NULL || json_is_null(value);
}

struct bytes get_hex(struct vector_case *vector, const json_t *object, const char *name)
{
	if (is_null(object, name)) {
		note_missing(vector, name);
		return BYTES_NONE;
	}
	return decode_hex(vector, json_object_get(object, name));
}

/* Compact files have no types: numbers may come as text. */
uint64_t get_number(struct vector_case *vector, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (json_is_integer(value))
		return (uint64_t)json_integer_value(value);
	if (json_is_string(value))
		return strtoull(json_string_value(value), NULL, 10);
	note_missing(vector, name);
	return 0;
}

size_t get_len(struct vector_case *vector, const json_t *object, const char *name)
{
	uint64_t len = get_number(vector, object, name);

	return len < SIZE_MAX ? (size_t)len : SIZE_MAX;
}

const char *get_text(struct vector_case *vector, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (text == NULL)
		note_missing(vector, name);
	return text != NULL ? text : "";
}

const json_t *get_array(struct vector_case *vector, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_array(value))
		note_missing(vector, name);
	return value;
}

const json_t *get_object(struct vector_case *vector, const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_object(value))
		note_missing(vector, name);
	return value;
}

struct secret get_secret(struct vector_case *vector, const json_t *object, const char *name)
{
	struct bytes bytes = get_hex(vector, object, name);
	struct secret secret = {0};

	if (bytes.len > SECRET_LEN_MAX)
		note_missing(vector, name);
	else
		secret_set(&secret, bytes.data, bytes.len);
	return secret;
}

/* Some files leave out leading zeros of P-521 scalars: put them back. */
struct secret get_private(struct vector_case *vector, const json_t *object, const char *name,
			  size_t len)
{
	struct secret given = get_secret(vector, object, name);
	struct secret padded = {.len = (uint8_t)len};

	if (given.len >= len || len > SECRET_LEN_MAX)
		return given;
	memcpy(padded.data + len - given.len, given.data, given.len);
	return padded;
}

const struct suite *get_suite(struct vector_case *vector)
{
	uint64_t id = get_number(vector, vector->json, "cipher_suite");

	return id <= UINT16_MAX ? suite_find((uint16_t)id) : NULL;
}
