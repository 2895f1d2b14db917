/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the relay is. The ledger has HOST:PORT. A numeric one is used as it is and nobody is asked; a name
 * can be looked up neither by this process nor by the link process, which have no way to: the command does
 * it when it opens the phone (`hello` says "resolve") and hands the addresses over (`addresses`).
 */
#include <string.h>

#include "link/link_os.h"
#include "os/address.h"
#include "phone/agent.h"

static bool parse(struct bytes text, struct wire_link_to *to)
{
	char terminated[OS_ADDRESS_TEXT_LEN];
	struct link_address numeric;
	struct os_address address;

	if (text.len >= sizeof(terminated))
		return false;
	memcpy(terminated, text.data, text.len);
	terminated[text.len] = '\0';
	if (os_address_parse(terminated, &address) != SOTTO_OK)
		return false;
	link_address_from_os(&address, &numeric);
	memset(to, 0, sizeof(*to));
	to->port = numeric.port;
	to->scope = numeric.scope;
	memcpy(to->ip, numeric.ip, sizeof(to->ip));
	return true;
}

size_t agent_relay_addresses(const struct agent *agent, struct bytes host_port,
			     struct wire_link_to addresses[AGENT_ADDRESSES_MAX])
{
	const struct agent_relay *relay = &agent->relay;

	if (parse(host_port, &addresses[0]))
		return 1;
	if (relay->address_count == 0 ||
	    !bytes_equal(host_port, BYTES(relay->host_port, relay->host_port_len)))
		return 0;
	memcpy(addresses, relay->addresses, relay->address_count * sizeof(addresses[0]));
	return relay->address_count;
}

json_t *agent_relay_to_resolve(const struct agent *agent)
{
	struct wire_link_to addresses[AGENT_ADDRESSES_MAX];
	json_t *name = NULL;
	struct talk_link link;

	if (agent->talk == NULL || talk_link(agent->talk, &link) != SOTTO_OK)
		return NULL;
	/* While there is no link, what a name meant before may be out of date. */
	if (agent->link_status.state != 3 && !parse(link.relay_address, &addresses[0]))
		name = json_stringn((const char *)link.relay_address.data, link.relay_address.len);
	bytes_wipe(&link, sizeof(link));
	return name;
}

void command_addresses(struct agent_client *client, const json_t *arguments, int *descriptors,
		       size_t descriptors_count)
{
	const json_t *list = json_object_get(arguments, "addresses");
	const char *name = agent_text(arguments, "relay");
	struct agent_relay relay = {.address_count = 0};
	size_t index;
	json_t *item;

	(void)descriptors;
	(void)descriptors_count;
	if (name == NULL || strlen(name) > sizeof(relay.host_port) || !json_is_array(list) ||
	    json_array_size(list) == 0 || json_array_size(list) > AGENT_ADDRESSES_MAX) {
		agent_fail(client, SOTTO_ERR_ARGUMENT,
			   "addresses needs \"relay\" and 1 to %d \"addresses\"",
			   AGENT_ADDRESSES_MAX);
		return;
	}
	relay.host_port_len = strlen(name);
	memcpy(relay.host_port, name, relay.host_port_len);
	json_array_foreach(list, index, item)
	{
		const char *text = json_string_value(item);

		if (text == NULL ||
		    !parse(BYTES(text, strlen(text)), &relay.addresses[relay.address_count++])) {
			agent_fail(client, SOTTO_ERR_ARGUMENT,
				   "an address is numeric, as 198.51.100.7:4433");
			return;
		}
	}
	client->agent->relay = relay;
	agent_link_configure(client->agent);
	agent_done(client, NULL);
}
