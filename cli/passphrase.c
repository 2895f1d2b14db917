/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases: from a file or the terminal, and to the agent through a pipe, never in a line or argument. */
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "cli/cli.h"
#include "os/descriptor.h"

static enum sotto_err ask(const struct cli *cli, const char *prompt, bool twice,
			  struct os_passphrase *passphrase)
{
	struct os_passphrase again;
	enum sotto_err err;
	bool same;

	TRY(os_terminal_passphrase(prompt, passphrase));
	if (!twice)
		return SOTTO_OK;
	TRY(os_terminal_passphrase("Once more: ", &again));
	same = again.len == passphrase->len &&
	       bytes_equal_ct(again.text, passphrase->text, again.len);
	os_passphrase_wipe(&again);
	if (!same) {
		cli_fail(cli, "denied", "the two passphrases differ");
		os_passphrase_wipe(passphrase);
		return SOTTO_ERR_DENIED;
	}
out:
	return err;
}

enum sotto_err cli_passphrase_get(const struct cli *cli, const char *file, const char *prompt,
				  bool twice, struct os_passphrase *passphrase)
{
	enum sotto_err err;

	if (file != NULL) {
		err = os_passphrase_from_file(file, passphrase);
		if (err != SOTTO_OK)
			cli_fail(cli, "passphrase", "%s: %s", file, sotto_err_text(err));
		return err;
	}
	err = ask(cli, prompt, twice, passphrase);
	if (err == SOTTO_ERR_NOT_FOUND) {
		cli_fail(cli, "usage",
			 "no terminal to ask for the passphrase: give --passphrase-file FILE");
		return SOTTO_ERR_ARGUMENT;
	}
	if (err != SOTTO_OK && err != SOTTO_ERR_DENIED)
		cli_fail(cli, "passphrase", "no passphrase: %s", sotto_err_text(err));
	return err;
}

enum sotto_err cli_passphrase_pipe(const struct cli *cli, const struct os_passphrase *passphrase,
				   int *descriptor)
{
	enum sotto_err err = SOTTO_ERR_IO;
	int ends[2];

	if (pipe(ends) != 0) {
		ends[0] = -1;
		goto out;
	}
	/* It is shorter than what any pipe takes at once. */
	err = os_descriptor_write_at(ends[1], UINT64_MAX, BYTES(passphrase->text, passphrase->len));
	os_descriptor_close(ends[1]);
out:
	if (err != SOTTO_OK) {
		cli_fail(cli, "failed", "the passphrase cannot be given to the agent: %s",
			 sotto_err_text(err));
		os_descriptor_close(ends[0]);
		return err;
	}
	*descriptor = ends[0];
	return SOTTO_OK;
}
