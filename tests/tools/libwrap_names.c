/*
 * Prints the name that the installed libwrap gives to each address on standard input, one a line: the verified
 * host name, "unknown" or "paranoid". libwrap asks the C library, and that whatever the system is configured to.
 *
 * Build: cc -o libwrap_names libwrap_names.c -lwrap     (Debian: libwrap0-dev)
 */
#define INET6
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <tcpd.h>

/* libwrap has these declared extern. */
int allow_severity, deny_severity;

int main(void)
{
    char line[256];

    while (fgets(line, sizeof line, stdin)) {
        struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
        struct request_info request;

        line[strcspn(line, "\n")] = 0;
        if (getaddrinfo(line, "0", &hints, &found) != 0) {
            fprintf(stderr, "%s is not a numeric address\n", line);
            return 1;
        }
        request_init(&request, RQ_CLIENT_SIN, found->ai_addr, 0);
        sock_methods(&request);
        puts(eval_hostname(request.client));
        fflush(stdout);
        freeaddrinfo(found);
    }
    return 0;
}
