/* SPDX-License-Identifier: Apache-2.0 */
/* What the network's policy says of this phone; nobody changes it on one. */
#ifndef TALK_POLICY_H
#define TALK_POLICY_H

#include "talk/hold.h"
#include "talk/state.h"

/* Is this one (enum ledger_feature) not switched off? */
static inline bool talk_feature(const struct talk *talk, uint32_t feature)
{
	struct ledger_policy policy;

	ledger_policy(talk->ledger, &policy);
	return (policy.features_off & feature) == 0;
}

/* How often a leaf is renewed where something is said. */
static inline uint64_t talk_beat_ms(const struct talk *talk)
{
	struct ledger_policy policy;

	ledger_policy(talk->ledger, &policy);
	return policy.beat_ms;
}

/* Once some entry says how long records are kept, that holds. */
static inline void talk_policy_take(struct talk *talk)
{
	struct ledger_policy policy;

	talk_release_look(talk);
	if (ledger_policy_index(talk->ledger) == 0)
		return;
	ledger_policy(talk->ledger, &policy);
	talk->retention_ms = policy.retention_ms;
}

#endif
