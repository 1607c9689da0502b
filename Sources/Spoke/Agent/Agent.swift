import AsyncHTTPClient
import GRDB
import Subprocess
import Yams
