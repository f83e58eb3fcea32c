/*
 * Times the installed libwrap: libwrap_time ALLOW DENY DAEMON ADDRESS NAME REPEAT
 *
 * Asks so many times whether the client may use the daemon, and prints the microseconds of
 * processor time that one decision took, and how many were yes.
 * libwrap reads both files for each decision, as it does for each connection.
 *
 * Build: cc -O2 -o libwrap_time libwrap_time.c -lwrap     (Debian: libwrap0-dev)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tcpd.h>

static double microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    struct request_info request;
    double start;
    long repeat;
    int granted = 0;

    if (argc != 7)
        return 2;
    hosts_allow_table = argv[1];
    hosts_deny_table = argv[2];
    repeat = atol(argv[6]);
    start = microseconds();
    for (long count = 0; count < repeat; count++) {
        request_init(&request, RQ_DAEMON, argv[3], RQ_CLIENT_ADDR, argv[4], RQ_CLIENT_NAME, argv[5], 0);
        granted += hosts_access(&request);
    }
    printf("%.3f %ld\n", (microseconds() - start) / (double)repeat, (long)granted);
    return 0;
}
