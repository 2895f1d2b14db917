/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input -> all of the tar reads, its manifest is found -> that reads -> both are in one order, so they are walked side by side
 */
#include "release/verify.h"

#include <string.h>

#include "crypto/hash.h"

static bool is_manifest(const struct release_entry *entry)
{
	return bytes_equal(entry->path, BYTES_TEXT(RELEASE_MANIFEST_PATH));
}

/* The text of the manifest in a tar that reads to its end. */
static enum release_fault find_manifest(struct bytes input, struct bytes *text)
{
	struct release_entry entry;
	struct release_tar tar;
	bool found = false;
	enum sotto_err err;

	release_tar_init(&tar, input);
	while ((err = release_tar_next(&tar, &entry)) == SOTTO_OK) {
		if (!is_manifest(&entry))
			continue;
		if (entry.mode != RELEASE_PLAIN)
			return RELEASE_NO_MANIFEST;
		*text = entry.contents;
		found = true;
	}
	if (err != SOTTO_ERR_NOT_FOUND)
		return RELEASE_NOT_ONE;
	return found ? RELEASE_GOOD : RELEASE_NO_MANIFEST;
}

static enum release_fault compare(const struct release_file *file,
				  const struct release_entry *entry)
{
	uint8_t hash[RELEASE_HASH_LEN];

	if (file->mode != entry->mode)
		return RELEASE_OTHER_MODE;
	hash_digest(HASH_SHA256, entry->contents, hash);
	return memcmp(hash, file->hash, sizeof(hash)) == 0 ? RELEASE_GOOD : RELEASE_OTHER_BYTES;
}

/* Both are sorted: the one whose path is first is not in the other. */
static enum release_fault walk(struct bytes input, struct bytes lines, struct bytes *path)
{
	enum release_fault fault = RELEASE_GOOD;
	struct release_entry entry;
	struct release_file file;
	struct release_tar tar;
	bool named = release_manifest_next(&lines, &file);

	release_tar_init(&tar, input);
	while (fault == RELEASE_GOOD && release_tar_next(&tar, &entry) == SOTTO_OK) {
		int order = named ? bytes_compare(entry.path, file.path) : -1;

		if (is_manifest(&entry))
			continue;
		*path = order <= 0 ? entry.path : file.path;
		if (order != 0)
			fault = order < 0 ? RELEASE_TOO_MUCH : RELEASE_MISSING;
		else
			fault = compare(&file, &entry);
		named = order != 0 ? named : release_manifest_next(&lines, &file);
	}
	if (fault != RELEASE_GOOD || !named)
		return fault;
	*path = file.path;
	return RELEASE_MISSING;
}

static bool begins_as_manifest(struct bytes input)
{
	struct bytes word = BYTES_TEXT("sotto-release ");

	return input.len >= word.len && memcmp(input.data, word.data, word.len) == 0;
}

void release_verify(struct bytes input, struct release_verdict *verdict)
{
	struct bytes text = input;
	enum sotto_err err;

	*verdict = (struct release_verdict){.files = !begins_as_manifest(input)};
	if (input.len > RELEASE_TAR_MAX)
		verdict->fault = RELEASE_NOT_ONE;
	else if (verdict->files)
		verdict->fault = find_manifest(input, &text);
	if (verdict->fault != RELEASE_GOOD)
		return;
	err = release_manifest_read(text, &verdict->manifest);
	if (err != SOTTO_OK)
		verdict->fault = err == SOTTO_ERR_VERSION ? RELEASE_LATER : RELEASE_NOT_ONE;
	else if (verdict->files)
		verdict->fault = walk(input, verdict->manifest.lines, &verdict->path);
}
