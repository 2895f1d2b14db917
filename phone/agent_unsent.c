/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call messages on their way out. A call is dialled while its conversation is being made, and hung up while
 * the link is away: what cannot leave waits here for as long as it may matter, and leaves in order.
 */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "phone/agent.h"

#define UNSENT_NS (CALL_REACH_MS * OS_CLOCK_MS_NS)

void agent_unsent_keep(struct agent *agent, uint32_t extension, struct bytes message)
{
	struct agent_call *call = &agent->call;
	struct agent_unsent *unsent;

	/* Full: the oldest is the least likely to matter still. */
	if (call->unsent_count == AGENT_CALL_UNSENT_MAX) {
		call->unsent_count--;
		memmove(&call->unsent[0], &call->unsent[1],
			call->unsent_count * sizeof(call->unsent[0]));
	}
	unsent = &call->unsent[call->unsent_count++];
	unsent->extension = extension;
	unsent->until_ns = os_clock_now_ns() + UNSENT_NS;
	unsent->len = (uint8_t)message.len;
	memcpy(unsent->data, message.data, message.len);
}

/* In order: a later message never overtakes one that waits. */
void agent_unsent_send(struct agent *agent)
{
	struct agent_call *call = &agent->call;
	uint64_t now_ns = os_clock_now_ns();

	while (call->unsent_count > 0) {
		struct agent_unsent *first = &call->unsent[0];
		enum sotto_err err =
			talk_send_call(agent->talk, first->extension,
				       BYTES(first->data, first->len), now_ns, os_clock_utc_ms());

		err = agent_commit(agent, err);
		if (agent->talk == NULL)
			return;

		if (err == SOTTO_ERR_AGAIN && now_ns < first->until_ns)
			return;
		call->unsent_count--;
		memmove(&call->unsent[0], &call->unsent[1],
			call->unsent_count * sizeof(call->unsent[0]));
	}
	bytes_wipe(call->unsent, sizeof(call->unsent));
}
