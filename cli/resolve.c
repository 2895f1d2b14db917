/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay that has a name instead of an address: the command asks the system's resolver and tells the agent,
 * which has no network. Who watches the resolver learns which relay this phone uses.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "os/resolve.h"

static enum sotto_err tell(struct cli *cli, const char *name, const struct os_address *addresses,
			   size_t count)
{
	json_t *list = json_array();
	json_t *request;
	struct cli_result result;
	enum sotto_err err;

	for (size_t i = 0; i < count; i++) {
		char text[OS_ADDRESS_TEXT_LEN];

		os_address_format(&addresses[i], text);
		json_array_append_new(list, json_string(text));
	}
	request = json_pack("{s:s,s:s,s:o}", "command", "addresses", "relay", name, "addresses",
			    list);
	err = cli_exchange(cli, request, NULL, 0, NULL, &result);
	cli_result_release(&result);
	json_decref(request);
	return err;
}

void cli_resolve(struct cli *cli, const char *name)
{
	struct os_address addresses[OS_RESOLVE_MAX];
	size_t count = 0;
	enum sotto_err err;

	TRY(os_resolve(name, addresses, &count));
	TRY(tell(cli, name, addresses, count));
	return;
out:
	/* No failure of the command: it may need no link, and `status` shows that there is none. */
	cli_warn("the relay's name %s cannot be looked up: %s", name, sotto_err_text(err));
}
