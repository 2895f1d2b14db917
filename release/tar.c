/* SPDX-License-Identifier: Apache-2.0 */
/* block -> name, size, time, type -> the header that these make -> is it the block? */
#include "release/tar.h"

#include <string.h>

#define BLOCK_LEN    512
#define NAME_AT	     0
#define MODE_AT	     100
#define OWNER_AT     108
#define GROUP_AT     116
#define SIZE_AT	     124
#define TIME_AT	     136
#define SUM_AT	     148
#define TYPE_AT	     156
#define TARGET_AT    157
#define MAGIC_AT     257
#define SMALL_DIGITS 7 /* octal, and a zero byte behind them */
#define LARGE_DIGITS 11
#define SUM_DIGITS   6
#define SUM_LEN	     8
#define TYPE_FILE    '0'
#define TYPE_LINK    '2'
#define LINK_MODE    0777
#define PROGRAM_MODE 0755
#define PLAIN_MODE   0644

static const uint8_t magic[] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
static const uint8_t zeros[2 * BLOCK_LEN];

static void put_octal(uint8_t *out, size_t digits, uint64_t value)
{
	for (size_t i = digits; i > 0; i--) {
		out[i - 1] = (uint8_t)('0' + (value & 7));
		value >>= 3;
	}
}

/* What is no digit makes another header than this. */
static uint64_t get_octal(const uint8_t *in, size_t digits)
{
	uint64_t value = 0;

	for (size_t i = 0; i < digits; i++)
		value = value << 3 | (in[i] & 7u);
	return value;
}

static struct bytes get_text(const uint8_t *in)
{
	const uint8_t *end = memchr(in, 0, RELEASE_PATH_MAX);

	return BYTES(in, end == NULL ? RELEASE_PATH_MAX : (size_t)(end - in));
}

static void put_header(const struct release_entry *entry, uint64_t size, uint64_t time_s,
		       uint8_t header[BLOCK_LEN])
{
	bool link = entry->mode == RELEASE_LINK;
	uint64_t sum = 0;

	memset(header, 0, BLOCK_LEN);
	memcpy(header + NAME_AT, entry->path.data, entry->path.len);
	put_octal(header + MODE_AT, SMALL_DIGITS,
		  link				   ? LINK_MODE
		  : entry->mode == RELEASE_PROGRAM ? PROGRAM_MODE
						   : PLAIN_MODE);
	put_octal(header + OWNER_AT, SMALL_DIGITS, 0);
	put_octal(header + GROUP_AT, SMALL_DIGITS, 0);
	put_octal(header + SIZE_AT, LARGE_DIGITS, size);
	put_octal(header + TIME_AT, LARGE_DIGITS, time_s);
	memset(header + SUM_AT, ' ', SUM_LEN);
	header[TYPE_AT] = link ? TYPE_LINK : TYPE_FILE;
	if (link)
		memcpy(header + TARGET_AT, entry->contents.data, entry->contents.len);
	memcpy(header + MAGIC_AT, magic, sizeof(magic));
	for (size_t i = 0; i < BLOCK_LEN; i++)
		sum += header[i];
	put_octal(header + SUM_AT, SUM_DIGITS, sum);
	header[SUM_AT + SUM_DIGITS] = 0;
}

void release_tar_init(struct release_tar *tar, struct bytes input)
{
	*tar = (struct release_tar){.left = input};
}

/* Are the contents there, and zeros up to the next block? */
static enum sotto_err take_contents(struct bytes *left, uint64_t size, struct bytes *contents)
{
	size_t padding;

	if (size > left->len)
		return SOTTO_ERR_FORMAT;
	padding = (BLOCK_LEN - (size_t)size % BLOCK_LEN) % BLOCK_LEN;
	if (padding > left->len - size || memcmp(left->data + size, zeros, padding) != 0)
		return SOTTO_ERR_FORMAT;
	*contents = BYTES(left->data, (size_t)size);
	*left = BYTES(left->data + size + padding, left->len - (size_t)size - padding);
	return SOTTO_OK;
}

static enum sotto_err take_entry(struct release_tar *tar, struct release_entry *out)
{
	const uint8_t *block = tar->left.data;
	struct bytes left = BYTES(block + BLOCK_LEN, tar->left.len - BLOCK_LEN);
	struct release_entry entry = {.path = get_text(block + NAME_AT)};
	uint64_t time_s = get_octal(block + TIME_AT, LARGE_DIGITS);
	uint64_t size = get_octal(block + SIZE_AT, LARGE_DIGITS);
	uint8_t header[BLOCK_LEN];
	enum sotto_err err = SOTTO_OK;

	FAIL_IF(!release_path_valid(entry.path) || bytes_compare(tar->before, entry.path) >= 0,
		SOTTO_ERR_FORMAT);
	if (block[TYPE_AT] == TYPE_LINK) {
		entry.mode = RELEASE_LINK;
		entry.contents = get_text(block + TARGET_AT);
		FAIL_IF(size != 0 || !release_target_valid(entry.contents), SOTTO_ERR_FORMAT);
	} else {
		entry.mode = get_octal(block + MODE_AT, SMALL_DIGITS) == PROGRAM_MODE
				     ? RELEASE_PROGRAM
				     : RELEASE_PLAIN;
		TRY(take_contents(&left, size, &entry.contents));
	}
	put_header(&entry, size, tar->count == 0 ? time_s : tar->time_s, header);
	FAIL_IF(memcmp(header, block, BLOCK_LEN) != 0, SOTTO_ERR_FORMAT);
	*tar = (struct release_tar){
		.left = left, .before = entry.path, .time_s = time_s, .count = tar->count + 1};
	*out = entry;
out:
	return err;
}

enum sotto_err release_tar_next(struct release_tar *tar, struct release_entry *entry)
{
	if (tar->left.len < 2 * BLOCK_LEN)
		return SOTTO_ERR_FORMAT;
	if (tar->left.len == 2 * BLOCK_LEN)
		return memcmp(tar->left.data, zeros, 2 * BLOCK_LEN) == 0 ? SOTTO_ERR_NOT_FOUND
									 : SOTTO_ERR_FORMAT;
	/* The manifest is one more. */
	if (tar->count > RELEASE_FILES_MAX)
		return SOTTO_ERR_LIMIT;
	return take_entry(tar, entry);
}
