import Hummingbird
import HummingbirdTLS
import Transport
