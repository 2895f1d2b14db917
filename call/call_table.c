/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call's states as a table: what may arrive in each and where each may go. What is not listed is not
 * heard. docs/protocol.md, "Calls", draws it.
 */
#include "call/call_internal.h"

#define EVENT(name) (1u << CALL_EVENT_##name)
#define STATE(name) (1u << CALL_##name)

static const struct {
	const char *name;
	unsigned int hears;
	unsigned int goes;
} table[CALL_STATES] = {
	[CALL_IDLE] =
		{
			.name = "idle",
			.hears = EVENT(DIAL) | EVENT(INVITE),
			.goes = STATE(DIALLING) | STATE(RINGING),
		},
	[CALL_DIALLING] =
		{
			.name = "dialling",
			.hears = EVENT(HANG_UP) | EVENT(INVITE) | EVENT(RINGING) | EVENT(ANSWER) |
				 EVENT(SENDER) | EVENT(END) | EVENT(TIMEOUT) | EVENT(VOICE_GONE) |
				 EVENT(CUT),
			.goes = STATE(FAR_RINGING) | STATE(ACTIVE) | STATE(TAIL) | STATE(IDLE),
		},
	[CALL_FAR_RINGING] =
		{
			.name = "ringing there",
			.hears = EVENT(HANG_UP) | EVENT(INVITE) | EVENT(RINGING) | EVENT(ANSWER) |
				 EVENT(SENDER) | EVENT(END) | EVENT(TIMEOUT) | EVENT(VOICE_GONE) |
				 EVENT(CUT),
			.goes = STATE(ACTIVE) | STATE(TAIL),
		},
	[CALL_RINGING] =
		{
			.name = "ringing",
			.hears = EVENT(ANSWER_KEY) | EVENT(HANG_UP) | EVENT(INVITE) |
				 EVENT(ANSWER) | EVENT(SENDER) | EVENT(END) | EVENT(TIMEOUT) |
				 EVENT(CUT),
			.goes = STATE(ACTIVE) | STATE(TAIL),
		},
	[CALL_ACTIVE] =
		{
			.name = "in a call",
			.hears = EVENT(HANG_UP) | EVENT(INVITE) | EVENT(ANSWER) | EVENT(SENDER) |
				 EVENT(END) | EVENT(TAKEN) | EVENT(TIMEOUT) | EVENT(VOICE_GONE) |
				 EVENT(MISMATCH) | EVENT(CUT),
			.goes = STATE(TAIL),
		},
	[CALL_TAIL] =
		{
			.name = "over",
			.hears = EVENT(DIAL) | EVENT(INVITE) | EVENT(TIMEOUT) | EVENT(CUT),
			.goes = STATE(IDLE),
		},
};

bool call_hears(enum call_state state, enum call_event event)
{
	return (table[state].hears & 1u << event) != 0;
}

bool call_may_go(enum call_state from, enum call_state to)
{
	return (table[from].goes & 1u << to) != 0;
}

const char *call_state_name(enum call_state state)
{
	return (size_t)state < CALL_STATES ? table[state].name : "unknown";
}
