/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into extension lists and lists of numbers without unpacking them. */
#include "mls/extension.h"

#include "base/assert.h"

bool extensions_next(struct reader *reader, struct mls_extension *extension)
{
	if (!reader_more(reader))
		return false;
	extension->type = reader_get_u16(reader);
	extension->data = reader_get_vector(reader);
	return reader->err == SOTTO_OK;
}

enum sotto_err extensions_check(struct bytes list)
{
	struct mls_extension extension = {0};
	uint16_t seen[EXTENSION_COUNT_MAX];
	struct reader reader;
	size_t count = 0;

	reader_init(&reader, list);
	for (; extensions_next(&reader, &extension); count++) {
		if (count == EXTENSION_COUNT_MAX)
			return SOTTO_ERR_LIMIT;
		for (size_t i = 0; i < count; i++) {
			if (seen[i] == extension.type)
				return SOTTO_ERR_INVALID;
		}
		seen[count] = extension.type;
	}
	return reader_finish(&reader);
}

struct bytes extensions_read(struct reader *reader)
{
	struct bytes list = reader_get_vector(reader);
	enum sotto_err err;

	if (reader->err != SOTTO_OK)
		return BYTES_NONE;
	err = extensions_check(list);
	if (err != SOTTO_OK)
		reader_fail(reader, err);
	return list;
}

void extensions_write(struct writer *writer, const struct mls_extension *extensions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		writer_put_u16(writer, extensions[i].type);
		writer_put_vector(writer, extensions[i].data);
	}
}

bool extension_is_default(uint16_t type)
{
	return type >= MLS_EXTENSION_APPLICATION_ID && type <= MLS_EXTENSION_EXTERNAL_SENDERS;
}

enum sotto_err mls_extension_find(struct bytes extensions, uint16_t type, struct bytes *data)
{
	struct mls_extension extension = {0};
	struct reader reader;

	reader_init(&reader, extensions);
	while (extensions_next(&reader, &extension)) {
		if (extension.type == type) {
			*data = extension.data;
			return SOTTO_OK;
		}
	}
	return SOTTO_ERR_NOT_FOUND;
}

struct bytes u16_list_read(struct reader *reader)
{
	struct bytes list = reader_get_vector(reader);

	if (list.len % 2 != 0)
		reader_fail(reader, SOTTO_ERR_FORMAT);
	return list;
}

size_t u16_list_count(struct bytes list)
{
	return list.len / 2;
}

uint16_t u16_list_at(struct bytes list, size_t index)
{
	ASSERT(2 * index + 1 < list.len);
	return (uint16_t)(list.data[2 * index] << 8 | list.data[2 * index + 1]);
}

bool u16_list_has(struct bytes list, uint16_t value)
{
	for (size_t i = 0; i < u16_list_count(list); i++) {
		if (u16_list_at(list, i) == value)
			return true;
	}
	return false;
}

enum sotto_err required_capabilities_find(struct bytes list, struct required_capabilities *required)
{
	struct required_capabilities found;
	struct reader reader;
	struct bytes data;
	enum sotto_err err;

	*required = (struct required_capabilities){0};
	if (mls_extension_find(list, MLS_EXTENSION_REQUIRED_CAPABILITIES, &data) != SOTTO_OK)
		return SOTTO_OK;
	reader_init(&reader, data);
	found.extensions = u16_list_read(&reader);
	found.proposals = u16_list_read(&reader);
	found.credentials = u16_list_read(&reader);
	err = reader_finish(&reader);
	if (err == SOTTO_OK)
		*required = found;
	return err;
}
