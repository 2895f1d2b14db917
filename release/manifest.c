/* SPDX-License-Identifier: Apache-2.0 */
/* text -> lines -> words; each is checked before anything of it is believed. */
#include "release/manifest.h"

#include <string.h>

#include "base/assert.h"
#include "base/hex.h"
#include "crypto/hash.h"

#define HEX_LEN ((size_t)2 * RELEASE_HASH_LEN)

static const struct {
	struct bytes word;
	enum release_mode mode;
} modes[] = {
	{{(const uint8_t *)"0644", 4}, RELEASE_PLAIN},
	{{(const uint8_t *)"0755", 4}, RELEASE_PROGRAM},
	{{(const uint8_t *)"link", 4}, RELEASE_LINK},
};

static bool component_valid(struct bytes name)
{
	return name.len > 0 && !bytes_equal(name, BYTES_TEXT(".")) &&
	       !bytes_equal(name, BYTES_TEXT(".."));
}

bool release_path_valid(struct bytes path)
{
	size_t begins = 0;

	if (path.len == 0 || path.len > RELEASE_PATH_MAX)
		return false;
	for (size_t i = 0; i < path.len; i++) {
		if (path.data[i] <= ' ' || path.data[i] > '~')
			return false;
		if (path.data[i] != '/')
			continue;
		if (!component_valid(BYTES(path.data + begins, i - begins)))
			return false;
		begins = i + 1;
	}
	return component_valid(BYTES(path.data + begins, path.len - begins));
}

bool release_target_valid(struct bytes target)
{
	return release_path_valid(target) && memchr(target.data, '/', target.len) == NULL;
}

/* What stands before this byte, which is taken too. */
static enum sotto_err take(struct bytes *left, uint8_t end, struct bytes *word)
{
	const uint8_t *found = left->len > 0 ? memchr(left->data, end, left->len) : NULL;
	size_t len;

	if (found == NULL)
		return SOTTO_ERR_FORMAT;
	len = (size_t)(found - left->data);
	*word = BYTES(left->data, len);
	*left = BYTES(found + 1, left->len - len - 1);
	return SOTTO_OK;
}

static enum sotto_err take_text(struct bytes *left, uint8_t end, struct bytes *word)
{
	enum sotto_err err = take(left, end, word);

	if (err != SOTTO_OK)
		return err;
	if (word->len == 0 || word->len > RELEASE_WORD_MAX)
		return SOTTO_ERR_FORMAT;
	for (size_t i = 0; i < word->len; i++) {
		if (word->data[i] <= ' ' || word->data[i] > '~')
			return SOTTO_ERR_FORMAT;
	}
	return SOTTO_OK;
}

static enum sotto_err take_hash(struct bytes *left, uint8_t *hash)
{
	struct bytes word;
	enum sotto_err err = take(left, ' ', &word);
	size_t len;

	if (err != SOTTO_OK)
		return err;
	if (word.len != HEX_LEN)
		return SOTTO_ERR_FORMAT;
	for (size_t i = 0; i < word.len; i++) {
		if (word.data[i] >= 'A' && word.data[i] <= 'F')
			return SOTTO_ERR_FORMAT;
	}
	return hex_decode((const char *)word.data, word.len, hash, RELEASE_HASH_LEN, &len);
}

static enum sotto_err take_mode(struct bytes *left, enum release_mode *mode)
{
	struct bytes word;
	enum sotto_err err = take(left, ' ', &word);

	if (err != SOTTO_OK)
		return err;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (bytes_equal(word, modes[i].word)) {
			*mode = modes[i].mode;
			return SOTTO_OK;
		}
	}
	return SOTTO_ERR_FORMAT;
}

static enum sotto_err take_file(struct bytes *left, struct release_file *out)
{
	struct release_file file;
	enum sotto_err err;

	TRY(take_hash(left, file.hash));
	TRY(take_mode(left, &file.mode));
	TRY(take(left, '\n', &file.path));
	FAIL_IF(!release_path_valid(file.path) ||
			bytes_equal(file.path, BYTES_TEXT(RELEASE_MANIFEST_PATH)),
		SOTTO_ERR_FORMAT);
	*out = file;
out:
	return err;
}

/* How many there are, in ascending order. */
static enum sotto_err count_files(struct bytes left, size_t *out)
{
	struct bytes before = BYTES_NONE;
	struct release_file file;
	size_t count = 0;
	enum sotto_err err = SOTTO_OK;

	for (; left.len > 0; count++) {
		FAIL_IF(count == RELEASE_FILES_MAX, SOTTO_ERR_LIMIT);
		TRY(take_file(&left, &file));
		FAIL_IF(bytes_compare(before, file.path) >= 0, SOTTO_ERR_FORMAT);
		before = file.path;
	}
	FAIL_IF(count == 0, SOTTO_ERR_FORMAT);
	*out = count;
out:
	return err;
}

enum sotto_err release_manifest_read(struct bytes text, struct release_manifest *out)
{
	struct release_manifest manifest;
	struct bytes left = text;
	struct bytes word;
	enum sotto_err err;

	FAIL_IF(text.len > RELEASE_MANIFEST_MAX, SOTTO_ERR_LIMIT);
	TRY(take(&left, ' ', &word));
	FAIL_IF(!bytes_equal(word, BYTES_TEXT("sotto-release")), SOTTO_ERR_FORMAT);
	TRY(take_text(&left, ' ', &word));
	FAIL_IF(!bytes_equal(word, BYTES_TEXT("1")), SOTTO_ERR_VERSION);
	TRY(take_text(&left, ' ', &manifest.version));
	TRY(take_text(&left, '\n', &manifest.architecture));
	manifest.lines = left;
	TRY(count_files(left, &manifest.count));
	hash_digest(HASH_SHA256, text, manifest.hash);
	*out = manifest;
out:
	return err;
}

bool release_manifest_next(struct bytes *left, struct release_file *file)
{
	return left->len > 0 && take_file(left, file) == SOTTO_OK;
}
