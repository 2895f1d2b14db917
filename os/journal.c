/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's stream: a header of seven lines, then whatever is logged. */
#include "os/journal.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_PATH	"/run/systemd/journal/stdout"
#define HEADER_LEN_MAX	128
#define PRIORITY_NOTICE 5

enum sotto_err os_journal_open(const char *identifier, int *descriptor)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_PATH};
	char header[HEADER_LEN_MAX];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int len;

	if (fd < 0)
		return SOTTO_ERR_IO;
	/* Identifier, unit, priority, and four switches: priority prefixes in lines; to syslog, kmsg, console. */
	len = snprintf(header, sizeof(header), "%s\n\n%d\n0\n0\n0\n0\n", identifier,
		       PRIORITY_NOTICE);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || len < 0 ||
	    (size_t)len >= sizeof(header) || write(fd, header, (size_t)len) != len) {
		close(fd);
		return SOTTO_ERR_NOT_FOUND;
	}
	*descriptor = fd;
	return SOTTO_OK;
}
