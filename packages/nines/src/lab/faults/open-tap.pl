# usage: open-tap.pl DEVICE PROGRAM [ARGUMENT]...
# Opens the TAP device, making it, and becomes PROGRAM with the number of the open file as its last argument.
# Node can neither call ioctl nor open a device that needs one; perl-base is part of every Debian.
use strict;
use warnings;
use Errno qw(EBUSY);
use Fcntl qw(F_SETFD);

my ($device, @program) = @ARGV;
my ($TUNSETIFF, $IFF_TAP_NO_PI) = (0x400454ca, 0x1002);
open(my $tap, '+<', '/dev/net/tun') or die "/dev/net/tun: $!\n";
# A relay that has just ended may not have let go of the device yet.
my $deadline = time + 4;
until (ioctl($tap, $TUNSETIFF, pack('Z16 s x22', $device, $IFF_TAP_NO_PI))) {
  die "$device: $!\n" unless $! == EBUSY && time < $deadline;
  select(undef, undef, undef, 0.01);
}
fcntl($tap, F_SETFD, 0) or die "$device: $!\n";
exec { $program[0] } @program, fileno($tap) or die "$program[0]: $!\n";
