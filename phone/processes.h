/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that a phone's launcher starts beside the agent, by the numbers of wire/schema_phone.h. */
#ifndef PHONE_PROCESSES_H
#define PHONE_PROCESSES_H

enum phone_process {
	PHONE_PROCESS_VOICE = 1,
	PHONE_PROCESS_RINGER = 2,
	PHONE_PROCESS_LINK = 3,
	PHONE_PROCESSES, /* one more than the highest */
};

/* Descriptors that the launcher gives to each, from OS_PROCESS_DESCRIPTOR_FIRST on. */
#define PHONE_LAUNCHER_READY_FD 3 /* the launcher's own: where it says that it is up, or why not */
#define PHONE_AGENT_LAUNCHER_FD 3
#define PHONE_AGENT_LISTENER_FD 4
#define PHONE_CHILD_AGENT_FD	3
#define PHONE_VOICE_MEDIA_FD	4

/* What the launcher tells its agent where it is no hash that this phone runs. */
#define PHONE_RELEASE_NONE    "none"	/* no manifest is installed */
#define PHONE_RELEASE_CHANGED "changed" /* files are not what it says */

/* Names beneath a phone's home. */
#define PHONE_CONTROL_NAME "control"
#define PHONE_VAULT_NAME   "vault"

#endif
