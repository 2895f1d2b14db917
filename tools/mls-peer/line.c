/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and splitting a request line; what words mean. */
#include "line.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "peer.h"

/* Lines beyond this are let go when the next one is read. */
#define LINE_KEPT 65536

static void grow_text(struct line *line)
{
	size_t capacity = line->capacity == 0 ? 4096 : 2 * line->capacity;
	char *text = peer_take(capacity);

	if (line->len != 0)
		memcpy(text, line->text, line->len);
	peer_give(line->text, line->capacity);
	line->text = text;
	line->capacity = capacity;
}

enum line_result line_read(struct line *line, FILE *in)
{
	bool too_long = false;
	int c;

	if (line->capacity > LINE_KEPT)
		line_release(line);
	line->len = 0;
	line->count = 0;
	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (line->len == LINE_LEN_MAX)
			too_long = true;
		if (too_long)
			continue;
		if (line->len + 1 >= line->capacity)
			grow_text(line);
		line->text[line->len++] = (char)c;
	}
	if (c == EOF && line->len == 0 && !too_long)
		return LINE_END;
	if (line->capacity == 0)
		grow_text(line);
	line->text[line->len] = '\0';
	return too_long ? LINE_TOO_LONG : LINE_READ;
}

static void put_word(struct line *line, char *word, size_t len)
{
	if (line->count == line->word_capacity) {
		line->word_capacity = line->word_capacity == 0 ? 16 : 2 * line->word_capacity;
		line->words =
			peer_resize(line->words, line->word_capacity * sizeof(line->words[0]));
		line->word_lens = peer_resize(line->word_lens,
					      line->word_capacity * sizeof(line->word_lens[0]));
	}
	line->words[line->count] = word;
	line->word_lens[line->count++] = len;
}

bool line_split(struct line *line)
{
	char *at = line->text;
	char *end = line->text + line->len;

	if (memchr(at, '\0', line->len) != NULL)
		return false;
	for (;;) {
		char *space = memchr(at, ' ', (size_t)(end - at));
		char *stop = space != NULL ? space : end;

		if (stop == at)
			return false;
		*stop = '\0';
		put_word(line, at, (size_t)(stop - at));
		if (space == NULL)
			return true;
		at = space + 1;
	}
}

void line_release(struct line *line)
{
	peer_give(line->text, line->capacity);
	free(line->words);
	free(line->word_lens);
	*line = (struct line){0};
}

enum sotto_err word_number(const char *word, uint64_t max, uint64_t *number)
{
	uint64_t value = 0;

	if (*word == '\0')
		return SOTTO_ERR_FORMAT;
	for (; *word != '\0'; word++) {
		uint64_t digit = (uint64_t)(*word - '0');

		if (*word < '0' || *word > '9' || value > (UINT64_MAX - digit) / 10)
			return SOTTO_ERR_FORMAT;
		value = 10 * value + digit;
	}
	if (value > max)
		return SOTTO_ERR_FORMAT;
	*number = value;
	return SOTTO_OK;
}

enum sotto_err word_bytes(char *word, size_t len, struct bytes *bytes)
{
	enum sotto_err err;

	if (len == 0)
		return SOTTO_ERR_FORMAT;
	if (len == 1 && word[0] == '-') {
		*bytes = BYTES_NONE;
		return SOTTO_OK;
	}
	err = hex_decode(word, len, (uint8_t *)word, len / 2, &len);
	if (err == SOTTO_OK)
		*bytes = BYTES(word, len);
	return err;
}
