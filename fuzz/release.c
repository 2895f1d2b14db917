/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a release, or the manifest of one. What is found good has as many files as its manifest, each with the hash that
 * stands there; nothing that was found leads out of the prefix.
 */
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "crypto/hash.h"
#include "release/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct bytes path)
{
	ASSERT(path.len > 0 && path.len <= RELEASE_PATH_MAX && path.data[0] != '/');
	for (size_t i = 0; i + 1 < path.len; i++)
		ASSERT(path.data[i] != '.' || path.data[i + 1] != '.' ||
		       (i > 0 && path.data[i - 1] != '/') ||
		       (i + 2 < path.len && path.data[i + 2] != '/'));
}

static size_t count_entries(struct bytes input)
{
	struct release_entry entry;
	struct release_tar tar;
	size_t count = 0;

	release_tar_init(&tar, input);
	while (release_tar_next(&tar, &entry) == SOTTO_OK) {
		check_path(entry.path);
		count++;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = BYTES(data, size);
	struct release_verdict verdict;
	struct release_file file;
	size_t entries = count_entries(input);
	size_t files = 0;

	release_verify(input, &verdict);
	if (verdict.path.len > 0)
		check_path(verdict.path);
	if (verdict.fault != RELEASE_GOOD)
		return 0;
	for (struct bytes left = verdict.manifest.lines; release_manifest_next(&left, &file);) {
		check_path(file.path);
		files++;
	}
	ASSERT(files == verdict.manifest.count);
	ASSERT(!verdict.files || entries == files + 1);
	return 0;
}
