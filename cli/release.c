/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto verify-release, name-release: a tar of a release, or its manifest alone.
 *
 *	file -> is it what its manifest says? (release/verify.c) -> the manifest's hash -> the agent -> who signed it
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "cli/cli.h"
#include "os/descriptor.h"
#include "release/verify.h"

static enum sotto_err read_file(const struct cli *cli, const char *path, uint8_t **out, size_t *len)
{
	uint8_t *data = NULL;
	int descriptor = -1;
	uint64_t size = 0;
	enum sotto_err err;

	TRY(os_descriptor_open_read(path, &descriptor));
	TRY(os_descriptor_len(descriptor, &size));
	FAIL_IF(size > RELEASE_TAR_MAX, SOTTO_ERR_LIMIT);
	data = malloc((size_t)size + 1);
	FAIL_IF(data == NULL, SOTTO_ERR_NO_MEMORY);
	TRY(os_descriptor_read_at(descriptor, 0, data, (size_t)size, len));
	*out = data;
	data = NULL;
out:
	if (err != SOTTO_OK)
		cli_fail(cli, "file", "%s: %s", path, sotto_err_text(err));
	free(data);
	os_descriptor_close(descriptor);
	return err;
}

/* What is wrong with it; a path is printable, and none of ours. */
static void say_fault(const struct cli *cli, const char *file,
		      const struct release_verdict *verdict)
{
	int len = (int)verdict->path.len;
	const char *path = len > 0 ? (const char *)verdict->path.data : "";

	switch (verdict->fault) {
	case RELEASE_GOOD:
		return;
	case RELEASE_NOT_ONE:
		cli_fail(cli, "malformed", "%s is neither a release nor the manifest of one", file);
		return;
	case RELEASE_LATER:
		cli_fail(cli, "version", "%s is of a later form than this sotto knows", file);
		return;
	case RELEASE_NO_MANIFEST:
		cli_fail(cli, "malformed", "%s has no " RELEASE_MANIFEST_PATH, file);
		return;
	case RELEASE_MISSING:
		cli_fail(cli, "forged", "%.*s is missing from %s", len, path, file);
		return;
	case RELEASE_TOO_MUCH:
		cli_fail(cli, "forged", "%.*s is in %s, and its manifest does not name it", len,
			 path, file);
		return;
	case RELEASE_OTHER_MODE:
		cli_fail(cli, "forged", "%.*s in %s has another mode than its manifest says", len,
			 path, file);
		return;
	case RELEASE_OTHER_BYTES:
		cli_fail(cli, "forged", "%.*s in %s is not what its manifest says", len, path,
			 file);
		return;
	}
}

static json_t *facts(const struct release_verdict *verdict, const char *hash)
{
	const struct release_manifest *manifest = &verdict->manifest;

	return json_pack("{s:s%,s:s%,s:I,s:b,s:s}", "version", (const char *)manifest->version.data,
			 manifest->version.len, "architecture",
			 (const char *)manifest->architecture.data, manifest->architecture.len,
			 "files", (json_int_t)manifest->count, "files_checked", verdict->files,
			 "hash", hash);
}

/* Before the agent is asked: it may not have the answer, and this holds without it. */
static void say_facts(const struct cli *cli, const struct release_verdict *verdict,
		      const char *hash)
{
	json_t *object = facts(verdict, hash);

	if (cli->options.json && object != NULL)
		cli_print_json(object);
	else if (!cli->options.json)
		printf("sotto %s for %s: %lld files%s\n%s\n", cli_text_of(object, "version"),
		       cli_text_of(object, "architecture"), cli_number_of(object, "files"),
		       verdict->files ? ", each as the manifest says"
				      : ", of which this manifest alone was looked at",
		       hash);
	fflush(stdout);
	json_decref(object);
}

/* For admins: the ledger is to name it, as its own manifest calls it. */
static void set_name(json_t *request, const struct release_manifest *manifest)
{
	cli_set_text(request, "command", "release_name");
	json_object_set_new(
		request, "version",
		json_stringn((const char *)manifest->version.data, manifest->version.len));
}

enum sotto_err cli_release_build(struct cli *cli, json_t *request, int descriptors[2],
				 size_t *count)
{
	const char *path = cli->options.positions[0];
	char hash[2 * RELEASE_HASH_LEN + 1];
	struct release_verdict verdict;
	uint8_t *data = NULL;
	size_t len = 0;
	enum sotto_err err;

	(void)descriptors;
	(void)count;
	TRY(read_file(cli, path, &data, &len));
	release_verify(BYTES(data, len), &verdict);
	say_fault(cli, path, &verdict);
	FAIL_IF(verdict.fault != RELEASE_GOOD, SOTTO_ERR_VERIFY);
	hex_encode(BYTES_OF(verdict.manifest.hash), hash);
	say_facts(cli, &verdict, hash);
	cli_set_text(request, "command", "release");
	cli_set_text(request, "hash", hash);
	if (strcmp(cli->command->name, "name-release") == 0)
		set_name(request, &verdict.manifest);
out:
	free(data);
	return err;
}

static void print_signers(const json_t *signers)
{
	size_t index;
	json_t *signer;

	json_array_foreach(signers, index, signer)
	{
		printf("%s%s ", index > 0 ? ", " : "", cli_text_of(signer, "extension"));
		cli_print_text(cli_text_of(signer, "name"));
	}
}

void cli_print_release(const struct cli *cli, const json_t *object)
{
	if (cli_print_proposed(cli, object))
		return;
	printf("release %lld, \"", cli_number_of(object, "number"));
	cli_print_text(cli_text_of(object, "version"));
	printf("\", in entry %lld, signed %.10s by ", cli_number_of(object, "index"),
	       cli_text_of(object, "signed_at"));
	print_signers(json_object_get(object, "signers"));
	printf("\n%s%s\n",
	       json_is_true(json_object_get(object, "newest")) ? "the newest one"
							       : "not the newest one",
	       json_is_true(json_object_get(object, "running")) ? ", and what this phone runs"
								: "");
	if (json_is_true(json_object_get(object, "below_minimum")))
		printf("  ! the network wants a later one\n");
}

/* A line of `status`. */
void cli_print_running(const json_t *release)
{
	const char *state = cli_text_of(release, "state");

	if (json_object_get(release, "number") != NULL) {
		printf("  runs       release %lld (", cli_number_of(release, "number"));
		cli_print_text(cli_text_of(release, "version"));
		printf(")\n");
	} else if (json_object_get(release, "hash") != NULL) {
		printf("  runs       %.16s..., which no entry of the ledger names\n",
		       cli_text_of(release, "hash"));
	} else {
		printf("  runs       something that no entry of the ledger names%s\n",
		       state[0] == 'c' ? ": not what its own manifest says" : "");
	}
}
