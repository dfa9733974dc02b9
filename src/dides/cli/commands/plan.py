"""The command `dides plan`: what a deployment would do, and the worst that it could do."""

from dides.cli.commands.deploy import CodeVersion, ConfigurationVersion, WholeFleet, make_request, read_target
from dides.cli.display.plan_view import print_forecast
from dides.cli.options.common import LabelOptions, Output, SelectorOption
from dides.cli.options.connection import DEFAULT_SERVER, Server, Token, session
from dides.cli.options.output import Format, make_console, print_json
from dides.cli.options.policy import takes_configuration
from dides.protocol.messages import Configuration


@takes_configuration
def plan(
    code: CodeVersion = None,
    config: ConfigurationVersion = None,
    label: LabelOptions = None,
    selector: SelectorOption = None,
    whole_fleet: WholeFleet = False,
    *,
    configuration: Configuration,
    output: Output = Format.TABLE,
    server: Server = DEFAULT_SERVER,
    token: Token = None,
) -> None:
    """Say what a deployment would do, and change nothing.

    Which instances update in which wave, the worst case, and what to think about first.

    Example:
      dides plan 1.1.0 -l env=production --waves 1,10% --batch-size 25% --failure-threshold 2

    """
    request = make_request(code, config, read_target(label, selector, whole_fleet), configuration)
    forecast = session(server, token, lambda client: client.plan(request))
    if output is Format.JSON:
        print_json(forecast)
    else:
        print_forecast(request, forecast, make_console())
