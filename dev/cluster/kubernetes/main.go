// Command kubernetes holds every Kubernetes program of the local cluster in one binary, so that they are compiled and
// linked once. The program is chosen by the first argument, or by the name under which the binary is called.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var programs = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-proxy":              proxy.NewProxyCommand,
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
	"pki":                     newPKICommand,
}

func main() {
	name, arguments := filepath.Base(os.Args[0]), os.Args[1:]
	if _, known := programs[name]; !known && len(arguments) > 0 {
		name, arguments = arguments[0], arguments[1:]
	}
	program, known := programs[name]
	if !known {
		fmt.Fprintf(os.Stderr, "unknown program %q: name one of kube-apiserver, kube-controller-manager, "+
			"kube-scheduler, kubelet, kube-proxy, kubectl, pki\n", name)
		os.Exit(2)
	}
	// kubectl looks for plugins by os.Args, so these must look as if the program had been called by its own name.
	os.Args = append([]string{name}, arguments...)
	command := program()
	command.SetArgs(arguments)
	os.Exit(cli.Run(command))
}
