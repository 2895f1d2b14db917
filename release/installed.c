/* SPDX-License-Identifier: Apache-2.0 */
/* PREFIX/share/sotto/manifest -> each file that it names is read once */
#include "release/installed.h"

#include <string.h>

#include "crypto/hash.h"
#include "os/descriptor.h"
#include "os/process.h"

#define CHUNK_LEN 65536

/* PREFIX/PATH */
static enum sotto_err join(const char *prefix, struct bytes path, char out[OS_PROCESS_PATH_LEN])
{
	size_t len = strlen(prefix);

	if (len + 1 + path.len >= OS_PROCESS_PATH_LEN)
		return SOTTO_ERR_LIMIT;
	memcpy(out, prefix, len);
	out[len] = '/';
	memcpy(out + len + 1, path.data, path.len);
	out[len + 1 + path.len] = '\0';
	return SOTTO_OK;
}

static enum sotto_err hash_file(const char *path, uint8_t *out)
{
	static uint8_t chunk[CHUNK_LEN];
	size_t len = sizeof(chunk);
	int descriptor = -1;
	struct hash hash;
	enum sotto_err err;

	hash_init(&hash, HASH_SHA256);
	TRY(os_descriptor_open_read(path, &descriptor));
	for (uint64_t at = 0; len == sizeof(chunk); at += len) {
		TRY(os_descriptor_read_at(descriptor, at, chunk, sizeof(chunk), &len));
		hash_update(&hash, BYTES(chunk, len));
	}
	hash_final(&hash, out);
out:
	os_descriptor_close(descriptor);
	return err;
}

static enum sotto_err hash_link(const char *path, uint8_t *out)
{
	char target[RELEASE_PATH_MAX];
	size_t len;
	enum sotto_err err = os_link_read(path, target, sizeof(target), &len);

	if (err == SOTTO_OK)
		hash_digest(HASH_SHA256, BYTES(target, len), out);
	return err;
}

static bool is_as_named(const char *prefix, const struct release_file *file)
{
	uint8_t hash[RELEASE_HASH_LEN];
	char path[OS_PROCESS_PATH_LEN];
	enum sotto_err err = join(prefix, file->path, path);

	if (err == SOTTO_OK)
		err = file->mode == RELEASE_LINK ? hash_link(path, hash) : hash_file(path, hash);
	return err == SOTTO_OK && memcmp(hash, file->hash, sizeof(hash)) == 0;
}

static enum sotto_err read_manifest(const char *prefix, uint8_t *out, size_t capacity, size_t *len)
{
	char path[OS_PROCESS_PATH_LEN];
	int descriptor = -1;
	enum sotto_err err;

	TRY(join(prefix, BYTES_TEXT(RELEASE_MANIFEST_PATH), path));
	TRY(os_descriptor_open_read(path, &descriptor));
	TRY(os_descriptor_read_at(descriptor, 0, out, capacity, len));
out:
	os_descriptor_close(descriptor);
	return err;
}

enum sotto_err release_installed(const char *prefix, char differs[RELEASE_PATH_MAX + 1],
				 uint8_t hash[RELEASE_HASH_LEN])
{
	static uint8_t text[RELEASE_MANIFEST_MAX + 1]; /* one byte more is too long */
	struct release_manifest manifest;
	struct release_file file;
	size_t len = 0;
	enum sotto_err err;

	TRY(read_manifest(prefix, text, sizeof(text), &len));
	TRY(release_manifest_read(BYTES(text, len), &manifest));
	while (release_manifest_next(&manifest.lines, &file)) {
		if (is_as_named(prefix, &file))
			continue;
		memcpy(differs, file.path.data, file.path.len);
		differs[file.path.len] = '\0';
		return SOTTO_ERR_VERIFY;
	}
	memcpy(hash, manifest.hash, RELEASE_HASH_LEN);
out:
	return err;
}
