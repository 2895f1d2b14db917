/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's side of the link process: configuration, requests and answers, how the link stands. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "link/link.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "phone/agent.h"
#include "phone/log.h"

void agent_tell(struct os_ipc *ipc, const struct wire_type *type, const void *message,
		const int *descriptors, size_t count)
{
	struct writer writer;

	if (ipc == NULL)
		return;
	writer_init_growing(&writer, &allocator_default);
	if (wire_encode(type, message, &writer) == SOTTO_OK)
		(void)!os_ipc_send(ipc, writer_bytes(&writer), descriptors, count);
	writer_release(&writer);
}

bool agent_link_trouble(const struct agent *agent, char text[AGENT_TROUBLE_LEN])
{
	enum link_reason reason = (enum link_reason)agent->link_status.reason;
	char time[OS_CLOCK_TEXT_LEN];

	if (agent->link_status.state == 3 || reason == LINK_REASON_NONE)
		return false;
	/* A clock that is wrong is seen at a glance, by who is shown it. */
	os_clock_format(os_clock_utc_ms(), time);
	(void)snprintf(text, AGENT_TROUBLE_LEN, "%s%s%s%s", link_reason_text(reason),
		       reason == LINK_REASON_NO_ANSWER ? " (this phone's clock says " : "",
		       reason == LINK_REASON_NO_ANSWER ? time : "",
		       reason == LINK_REASON_NO_ANSWER ? ")" : "");
	return true;
}

static void link_is(struct agent *agent, const struct wire_link_status *status)
{
	bool was_up = agent->link_status.state == 3;
	bool is_up = status->state == 3;
	/* A new link has another exporter; a status in between changes nothing for talk. */
	bool new_link = is_up && (!was_up || memcmp(agent->link_status.exporter, status->exporter,
						    sizeof(status->exporter)) != 0);
	uint64_t now_ns = os_clock_now_ns();

	if (is_up && !was_up)
		phone_log("sotto-agent", "link up");
	else if (was_up && !is_up)
		phone_log("sotto-agent", "link down: %s",
			  link_reason_text((enum link_reason)status->reason));
	agent->link_status = *status;
	if (agent->talk == NULL)
		return;
	if (was_up && (!is_up || new_link)) {
		agent_room_link(agent, false);
		(void)!agent_commit(agent, talk_link_down(agent->talk, now_ns, os_clock_utc_ms()));
	}
	if (new_link && agent->talk != NULL) {
		(void)!agent_commit(agent, talk_link_up(agent->talk, status->exporter,
							(int64_t)status->clock_offset_ms, now_ns,
							os_clock_utc_ms()));
		agent_room_link(agent, true);
	}
	if (was_up != is_up)
		command_network_link(agent);
	agent_pump(agent);
}

static void take_reply(struct agent *agent, const struct wire_link_reply *reply)
{
	if (reply->ticket >= AGENT_TICKET_FIRST)
		agent_room_reply(agent, reply->ticket, reply->message, reply->last != 0);
	else if (agent->talk != NULL)
		(void)!agent_commit(agent, talk_reply(agent->talk, reply->ticket, reply->message,
						      reply->last != 0, os_clock_now_ns(),
						      os_clock_utc_ms()));
	agent_pump(agent);
}

static void take_end(struct agent *agent, const struct wire_link_end *end)
{
	if (end->ticket >= AGENT_TICKET_FIRST)
		agent_room_reply(agent, end->ticket, BYTES_NONE, true);
	else if (agent->talk != NULL)
		(void)!agent_commit(agent, talk_end(agent->talk, end->ticket, os_clock_now_ns(),
						    os_clock_utc_ms()));
	agent_pump(agent);
}

static void link_said(void *context, struct os_ipc *ipc, struct bytes message, int *descriptors,
		      size_t descriptors_count)
{
	struct agent *agent = context;
	struct wire_process_ready ready;
	struct wire_link_status status;
	struct wire_link_reply reply;
	struct wire_link_end end;

	(void)ipc;
	(void)descriptors;
	(void)descriptors_count;
	switch (message.len > 0 ? message.data[0] : 0) {
	case wire_number_process_ready:
		if (wire_process_ready_decode(message, &ready) != SOTTO_OK ||
		    ready.sandbox.len >= sizeof(agent->link_sandbox))
			return;
		memcpy(agent->link_sandbox, ready.sandbox.data, ready.sandbox.len);
		agent->link_sandbox[ready.sandbox.len] = '\0';
		return;
	case wire_number_link_status:
		if (wire_link_status_decode(message, &status) == SOTTO_OK)
			link_is(agent, &status);
		return;
	case wire_number_link_reply:
		if (wire_link_reply_decode(message, &reply) == SOTTO_OK)
			take_reply(agent, &reply);
		return;
	case wire_number_link_end:
		if (wire_link_end_decode(message, &end) == SOTTO_OK)
			take_end(agent, &end);
		return;
	default:
		return;
	}
}

static void link_gone(void *context, struct os_ipc *ipc)
{
	(void)ipc;
	agent_link_detach(context);
}

void agent_link_attach(struct agent *agent, int descriptor)
{
	struct os_ipc_handler handler = {
		.received = link_said, .gone = link_gone, .context = agent};

	agent_link_detach(agent);
	if (os_ipc_create(agent->loop, descriptor, &handler, &agent->link) != SOTTO_OK) {
		agent->link = NULL;
		os_descriptor_close(descriptor);
		return;
	}
	agent_link_configure(agent);
}

void agent_link_detach(struct agent *agent)
{
	struct wire_link_status nothing;

	os_ipc_destroy(agent->link);
	agent->link = NULL;
	memset(&nothing, 0, sizeof(nothing));
	link_is(agent, &nothing);
}

void agent_link_configure(struct agent *agent)
{
	struct wire_link_with with[TALK_KEYS_MAX];
	struct wire_link_configure configure;
	struct wire_link_stop stop = {0};
	struct wire_link_to to[AGENT_ADDRESSES_MAX];
	struct talk_link link;
	size_t count;

	if (agent->link == NULL)
		return;
	if (agent->talk == NULL || talk_link(agent->talk, &link) != SOTTO_OK) {
		agent_tell(agent->link, &wire_link_stop_type, &stop, NULL, 0);
		return;
	}
	count = agent_relay_addresses(agent, link.relay_address, to);
	if (count > 0) {
		memset(&configure, 0, sizeof(configure));
		memcpy(configure.relay_key, link.relay_key, sizeof(configure.relay_key));
		memcpy(configure.network, link.network, sizeof(configure.network));
		configure.clock_offset_ms = agent->link_status.clock_offset_ms;
		configure.addresses = (struct wire_list){.items = to, .count = count};
		configure.keys = (struct wire_list){.items = with, .count = link.key_count};
		for (size_t i = 0; i < link.key_count; i++) {
			with[i].kind = (uint8_t)link.keys[i].kind;
			with[i].number = link.keys[i].number;
			memcpy(with[i].secret, link.keys[i].secret, sizeof(with[i].secret));
		}
		agent_tell(agent->link, &wire_link_configure_type, &configure, NULL, 0);
	}
	bytes_wipe(with, sizeof(with));
	bytes_wipe(&link, sizeof(link));
}

enum sotto_err agent_link_request(struct agent *agent, uint64_t ticket, struct bytes message)
{
	struct wire_link_request request = {.ticket = ticket, .message = message};

	if (agent->link == NULL || agent->link_status.state != 3)
		return SOTTO_ERR_STATE;
	agent_tell(agent->link, &wire_link_request_type, &request, NULL, 0);
	return SOTTO_OK;
}

void agent_link_cancel(struct agent *agent, uint64_t ticket)
{
	struct wire_link_cancel cancel = {.ticket = ticket};

	agent_tell(agent->link, &wire_link_cancel_type, &cancel, NULL, 0);
}
