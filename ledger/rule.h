/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the ledger: one table line an action. append.c has those about people, govern.c those about the network and
 * how people are in it. Checks read the ledger only; commits run after room was taken and cannot fail.
 */
#ifndef LEDGER_RULE_H
#define LEDGER_RULE_H

#include "ledger/state.h"

/* Who signs the envelope. */
enum ledger_signers {
	LEDGER_BY_FOUNDER, /* the device key in the body, alone */
	LEDGER_BY_ADMINS, /* at least the threshold of those who are admins where the entry lands */
	LEDGER_BY_ADMIN,  /* the same, but one is enough */
	LEDGER_BY_DEVICE, /* one enrolled, confirmed device */
	LEDGER_BY_PERSON, /* one confirmed device of the subject's member; or as by admins */
};

struct ledger_context {
	struct ledger_entry entry;
	union ledger_body body;
	bool trusted;  /* from our own sealed store: signatures were verified when it came */
	bool proposed; /* admins may still sign it */
};

struct ledger_rule {
	uint8_t action;
	enum ledger_signers signers;
	enum sotto_err (*check)(const struct ledger *ledger, const struct ledger_context *context);
	/* What it keeps of the context may borrow from it: it is the ledger's own copy. */
	void (*commit)(struct ledger *ledger, const struct ledger_context *context, uint64_t index);
};

#define LEDGER_GOVERN_RULES 5
extern const struct ledger_rule ledger_govern_rules[LEDGER_GOVERN_RULES];

bool ledger_member_has_admin(const struct ledger *ledger, uint32_t member);

#endif
